"""What is made from the OpenAPI document and thrown at a running stack: ``make fuzz``."""
