"""What several tests share: small models and recipes, fakes, oracles, and ways to run the command line."""
