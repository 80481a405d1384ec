"""A store in three DynamoDB tables."""

from waypost.stores.dynamodb.store import DynamoStore

__all__ = ["DynamoStore"]
