"""All that touches a person, a file or the platform; the core below never imports it."""
