"""Un paquete de juguete."""
