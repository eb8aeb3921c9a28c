"""The figures that README and docs state, each as a ratio to a raw limit or a peer measured in the same run."""
