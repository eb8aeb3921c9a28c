"""For tests of what is built on Claudia: suites, fakes and builders. Needs pytest."""
