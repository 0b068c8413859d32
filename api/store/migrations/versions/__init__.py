"""The revisions of schema `auth`."""
