"""Events told to endpoints elsewhere, and told to this hub from elsewhere, in the form of Standard Webhooks."""
