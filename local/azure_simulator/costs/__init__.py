"""Cost Management: what subscriptions and resource groups cost by day, told as seldom as the platform tells it."""
