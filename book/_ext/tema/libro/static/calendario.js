// El calendario, movido al primer día de clase que se elija. Sin esto, el enlace da el de la fecha de partida.
document.querySelectorAll("form.calendario").forEach((form) => {
  const DAY = 86400000;
  const field = form.querySelector("input");
  const link = form.querySelector("a");
  const utc = (text) => Date.UTC(+text.slice(0, 4), +text.slice(4, 6) - 1, +text.slice(6, 8));
  const origin = utc(form.dataset.inicio.replaceAll("-", ""));

  const move = async (event) => {
    event.preventDefault();
    if (!form.reportValidity()) return;
    const days = (utc(field.value.replaceAll("-", "")) - origin) / DAY;
    const text = await (await fetch(link.href)).text();
    const moved = text.replace(/^((?:DTSTART|DTEND);VALUE=DATE:)(\d{8})/gm, (_, name, day) =>
      name + new Date(utc(day) + days * DAY).toISOString().slice(0, 10).replaceAll("-", ""));
    const copy = document.createElement("a");
    copy.href = URL.createObjectURL(new Blob([moved], { type: "text/calendar" }));
    copy.download = link.pathname.split("/").pop();
    copy.click();
    URL.revokeObjectURL(copy.href);
  };
  link.addEventListener("click", move);
  form.addEventListener("submit", move);
});
