"""Clients in processes of their own, as cheap as they come: raw asyncio protocols. Nothing here knows Django."""
