"""The stack on AWS: what is deployed, made of the template and of this very package's sources."""
