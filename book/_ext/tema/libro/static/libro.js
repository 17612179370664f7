// Comodidades de la página; sin ellas todo se lee igual.
(() => {
  const root = document.documentElement;

  // Claro u oscuro: lo que diga el sistema hasta que la persona elija.
  const themeButton = document.querySelector("[data-tema]");
  themeButton.hidden = false;
  themeButton.addEventListener("click", () => {
    const dark = root.dataset.tema
      ? root.dataset.tema === "oscuro"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.tema = dark ? "claro" : "oscuro";
    try { localStorage.setItem("tema", root.dataset.tema); } catch { /* sin almacenamiento, vale solo aquí */ }
  });

  // El índice en el teléfono.
  const menu = document.querySelector("[data-abre]");
  const index = document.getElementById("indice");
  const open = (yes) => {
    index.classList.toggle("abierto", yes);
    menu.setAttribute("aria-expanded", String(yes));
  };
  menu.addEventListener("click", () => open(!index.classList.contains("abierto")));
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && index.classList.contains("abierto")) { open(false); menu.focus(); }
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !typing) { event.preventDefault(); document.getElementById("q-cabecera").focus(); }
  });
  const current = index.querySelector(".current > a");
  if (current) {
    current.setAttribute("aria-current", "page");
    index.scrollTop = current.offsetTop - index.clientHeight / 3;
  }

  // Un enlace a algo plegado lo despliega.
  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let fold = target && target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  if (location.hash) reveal();

  // Copiar el código de una celda; el botón nace cuando la celda está a la vista.
  const addCopyButton = (block) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copiar";
    button.textContent = "Copiar";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.querySelector("pre").textContent);
      button.textContent = "Copiado";
      setTimeout(() => { button.textContent = "Copiar"; }, 1500);
    });
    block.append(button);
  };
  if (navigator.clipboard) {
    const seen = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        seen.unobserve(target);
        addCopyButton(target);
      }
    });
    for (const block of document.querySelectorAll("div.highlight")) {
      if (!block.closest(".cell_output")) seen.observe(block);
    }
  }
})();
