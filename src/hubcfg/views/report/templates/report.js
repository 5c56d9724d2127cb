"use strict";
(() => {
  const tools = document.getElementById("tools");
  const query = document.getElementById("query");
  const found = document.getElementById("found");
  const fold = document.getElementById("fold");
  const items = [...document.querySelectorAll("[data-item]")];
  const blocks = [...document.querySelectorAll("details")];
  const asides = [...document.querySelectorAll("[data-aside]")];
  const parts = [...document.querySelectorAll("[data-group], main table, [data-part], .org")];
  const texts = new Map();
  tools.hidden = false;

  const setAll = (open) => {
    for (const one of blocks) one.open = open;
    fold.textContent = open ? "Close all" : "Open all";
    fold.setAttribute("aria-expanded", String(open));
  };
  fold.addEventListener("click", () => setAll(fold.textContent === "Open all"));

  const textOf = (item) => {
    if (!texts.has(item)) texts.set(item, item.textContent.toLowerCase().replace(/\s+/g, " "));
    return texts.get(item);
  };
  const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const segment = (text) => (text === "*" ? "[a-z0-9_-]+" : escape(text));

  // A permission is listed as `product.resource: action, action`; a pattern is looked for in that form.
  const matcher = (text) => {
    const [product, resource, action, more] = text.split(".");
    const isPattern = more === undefined && /^[a-z0-9_*-]+(\.[a-z0-9_*-]+){1,2}$/.test(text);
    if (!isPattern) return (item) => text.split(" ").every((word) => textOf(item).includes(word));
    const listed = new RegExp(
      `(^|\\s)${segment(product)}\\.${segment(resource)}` + (action && action !== "*" ? `:[^.:]*?\\b${segment(action)}(?![a-z0-9_-])` : ""),
    );
    return (item) =>
      textOf(item).includes(text) || [...item.querySelectorAll("li")].some((one) => listed.test(one.textContent.toLowerCase()));
  };

  const search = () => {
    const text = query.value.trim().toLowerCase().replace(/\s+/g, " ");
    const matches = text ? matcher(text) : () => true;
    let count = 0;
    for (const item of items) {
      const isMatch = matches(item);
      item.hidden = !isMatch;
      count += isMatch ? 1 : 0;
    }
    for (const one of asides) one.hidden = Boolean(text);
    for (const one of parts) {
      const isEmpty = !one.querySelector("[data-item]:not([hidden])");
      one.hidden = Boolean(text) && isEmpty;
      if (one.tagName === "DETAILS" && text) one.open = !isEmpty;
    }
    found.textContent = text ? (count === 1 ? "1 entry" : `${count} entries`) : "";
  };
  let waiting = 0;
  query.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(search, 120);
  });
  document.getElementById("search").addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });

  // A link leads to an entry that a search may have hidden, or that is folded.
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    for (let one = target; one; one = one.parentElement) {
      one.hidden = false;
      if (one.tagName === "DETAILS") one.open = true;
    }
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);

  // Browsers that print folded entries folded get them opened.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = blocks.filter((one) => !one.open && one.matches(".block"));
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
  });
})();
