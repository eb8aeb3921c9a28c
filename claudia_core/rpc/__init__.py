"""gRPC stubs, generated from proto/ by scripts/generate_stubs.py. They need `pip install 'claudia-core[grpc]'`."""
