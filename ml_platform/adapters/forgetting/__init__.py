"""The places of a home in which a person stands: each can be searched for them, and rid of them."""
