"""What serving costs past one machine, measured on one."""
