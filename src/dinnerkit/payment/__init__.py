"""Payment: money taken and given back through a gateway, for an opaque reference that another domain gives."""
