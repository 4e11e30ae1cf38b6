"""The only room that speaks Quart: pages, the socket, and what guards them."""
