"""What is asked of a server: its connections, catalogues and hashes of rows, and the fence that keeps writers out."""
