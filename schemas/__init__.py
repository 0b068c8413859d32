"""The language of the log: Avro files, the typed messages, the codec, and the tables all services share."""
