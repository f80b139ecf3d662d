"""What the user wrote: read, overridden, validated in form; pydantic and PyYAML only."""
