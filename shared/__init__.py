"""Words, messages and plumbing that every service uses; no opinion about cases, and no knowledge of any service."""
