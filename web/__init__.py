"""What both services' pages share: headers, staff, browser files, live lists, and a server that ends well."""
