"""What every Postcards service needs and none should write twice."""
