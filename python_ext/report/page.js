(function () {
  "use strict";
  var tip = document.getElementById("tip");
  var sheet = document.createElement("style");
  document.head.appendChild(sheet);
  function near(event, selector) {
    return event.target.closest ? event.target.closest(selector) : null;
  }
  document.addEventListener("mousemove", function (event) {
    var told = near(event, "[data-tip]");
    tip.hidden = !told;
    if (!told) { return; }
    tip.textContent = told.getAttribute("data-tip");
    var x = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 12);
    tip.style.left = Math.max(8, x) + "px";
    tip.style.top = event.clientY + 18 + "px";
  });
  document.addEventListener("mouseover", function (event) {
    var part = near(event, "svg [data-seg], .legend [data-seg]");
    var segment = part && part.getAttribute("data-seg");
    sheet.textContent = segment && /^-?[0-9]+$/.test(segment)
      ? "svg [data-seg]:not([data-seg='" + segment + "']){opacity:.22}"
      : "";
  });
})();
