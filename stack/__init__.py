"""The local broker, database and process manager behind `reprise up`."""
