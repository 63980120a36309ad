"""The MCP door: what the REST door offers, as tools, resources and prompts for agents.

It holds no rules and keeps nothing. Each call becomes one request to the REST door, in this process
or in another one, with the key that its caller showed.
"""
