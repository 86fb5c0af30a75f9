"""What insight does by itself: hear events, and once a month publish figures."""
