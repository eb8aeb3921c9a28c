"""Signing in elsewhere: with GitHub, Google, or any OpenID Connect provider, as the settings say."""
