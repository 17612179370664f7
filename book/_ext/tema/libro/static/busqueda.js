// La búsqueda de Sphinx, en español y sin distinguir tildes. Va entre language_data.js y searchtools.js.
const SPHINX_HIGHLIGHT_ENABLED = false;

Documentation.addTranslations({
  locale: "es",
  plural_expr: "n != 1",
  messages: {
    "Search Results": "Resultados",
    "Searching": "Buscando",
    "Preparing search...": "Preparando la búsqueda…",
    "Your search did not match any documents. Please make sure that all words are spelled correctly and that you've selected enough categories.":
      "No hay resultados. Prueba con menos palabras o con otra forma de la palabra.",
    "Search finished, found one page matching the search query.": ["Una página encontrada.", "${resultCount} páginas encontradas."],
  },
});

// Lo mismo que hace sitio.py al construir el índice: sin tildes ni diéresis, pero con eñe.
const foldWord = (word) =>
  word.toLowerCase().replaceAll("ñ", "\0").normalize("NFD").replace(/\p{M}/gu, "").replaceAll("\0", "ñ");
const BaseStemmer_es = Stemmer;
Stemmer = class {
  constructor() { this.base = new BaseStemmer_es(); }
  stemWord(word) { return this.base.stemWord(foldWord(word)); }
};
