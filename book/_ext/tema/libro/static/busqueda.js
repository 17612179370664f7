// La búsqueda de Sphinx, en español. Va antes de searchtools.js.
const SPHINX_HIGHLIGHT_ENABLED = false;

// Las raíces de lo que se busca.
const words = new URLSearchParams(location.search).get("q")?.match(/[\p{L}\p{N}_]+/gu) ?? [];
const roots = words.map((word) => new Stemmer().stemWord(word).replace(/z$/, ""));

// Lo que puntúa cada acierto, como en Sphinx, con dos cambios: sube la página cuyo título dice lo que se busca y bajan
// las que resumen o listan las demás. Con «const» chocaría con el de searchtools.js.
var Scorer = {
  score: ([page, title, , , score]) => {
    const name = foldWord(title.split(" > ")[0]);
    const named = roots.filter((root) => name.includes(root)).length / (roots.length || 1);
    return score + 10 * named - (/^(apendices\/(glosario|notacion|api|referencias)|rutas|calendario|index)/.test(page) ? 15 : 0);
  },
  objNameMatch: 11, objPartialMatch: 6, objPrio: { 0: 15, 1: 5, 2: -5 }, objPrioDefault: 0,
  title: 15, partialTitle: 7, term: 5, partialTerm: 2,
};

Documentation.addTranslations({
  locale: "es",
  plural_expr: "n != 1",
  messages: {
    "Search Results": "Resultados",
    "Searching": "Buscando",
    "Preparing search...": "Preparando la búsqueda…",
    "Your search did not match any documents. Please make sure that all words are spelled correctly and that you've selected enough categories.":
      "No hay resultados. Prueba con menos palabras o con otra forma de la palabra.",
    "Search finished, found ${resultCount} page(s) matching the search query.": "Páginas encontradas: ${resultCount}.",
  },
});

// De cada página encontrada, un fragmento: se pide cuando se llega a ver, porque todas a la vez pesarían demasiado.
addEventListener("DOMContentLoaded", () => {
  const excerpt = async (item) => {
    const link = item.querySelector("a");
    const response = await fetch(link.href);
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const place = (link.hash && page.getElementById(decodeURIComponent(link.hash.slice(1)))) || page.querySelector("article");
    place.querySelectorAll("h1, math, pre, script, style, details, table, .headerlink").forEach((node) => node.remove());
    const text = place.textContent.replace(/\s+/g, " ").trim();
    const found = roots.map((root) => foldWord(text).indexOf(root)).filter((at) => at >= 0);
    const start = found.length ? text.lastIndexOf(" ", Math.max(0, Math.min(...found) - 60)) + 1 : 0;
    const paragraph = item.appendChild(document.createElement("p"));
    paragraph.className = "context";
    paragraph.textContent = `${start ? "…" : ""}${text.slice(start, start + 240)}…`;
  };
  const seen = new IntersectionObserver((entries) => {
    for (const { target } of entries.filter((entry) => entry.isIntersecting)) {
      seen.unobserve(target);
      excerpt(target);
    }
  });
  const results = document.getElementById("search-results");
  new MutationObserver(() => {
    for (const item of results.querySelectorAll("li:not([data-vigilado])")) {
      item.dataset.vigilado = "";
      seen.observe(item);
    }
  }).observe(results, { childList: true, subtree: true });
});
