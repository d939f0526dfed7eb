"""What happens now, told to those who look: seats that are taken, bookings that change, tables that are made."""
