"""What proves who somebody is: passwords, tokens, cookies and signatures."""
