"""Performance of a version: realised where labels have matured, estimated where they have not."""
