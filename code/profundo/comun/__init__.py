"""Lo que comparten los capítulos y el curso no enseña: datos, figuras, semillas, cuaderno y ejercicios."""
