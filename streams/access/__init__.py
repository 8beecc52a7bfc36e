"""Access rights of the processes: one table, from which the command `acls`, the documentation and the tests derive."""
