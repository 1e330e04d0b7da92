"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byNumber = new Map(data.statements.map((statement) => [statement.n, statement]));
  const sources = new Map(data.sources.map((source) => [source.key, source]));
  const panel = document.getElementById("panel");
  const problems = [...document.querySelectorAll("#problems a[data-n]")].map((link) => Number(link.dataset.n));
  const hint = [...panel.children];
  const sheet = matchMedia("(max-width:980px)");
  let current = -1;

  const make = (tag, className, text) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  const passage = (shown, verdict) => {
    const box = make("div");
    const quote = make("blockquote", "v-" + verdict);
    const tags = { h: "mark", d: "del", i: "ins" };
    for (const piece of shown.pieces) {
      quote.append(piece.k ? make(tags[piece.k], "", piece.t) : document.createTextNode(piece.t));
    }
    box.append(quote);
    const line = make("p", "ref", [shown.ref, shown.note].filter(Boolean).join(" · "));
    if (shown.link) {
      const link = make("a", "", " open at this place");
      link.href = shown.link;
      link.rel = "noopener noreferrer nofollow";
      line.append(link);
    }
    box.append(line);
    return box;
  };

  const finding = (item) => {
    const source = sources.get(item.key) || {};
    const box = make("div", "source");
    const head = make("h3");
    head.append(make("span", "", data.labels[item.key] || ""), document.createTextNode(source.title || item.key));
    box.append(head, make("p", "verdict v-" + item.verdict, data.verdicts[item.verdict]));
    const reasons = [...new Set([...item.basis, ...item.checks])];
    if (reasons.length) {
      const list = make("ul");
      for (const reason of reasons) list.append(make("li", "", reason));
      box.append(list);
    }
    for (const shown of item.shown) box.append(passage(shown, item.verdict));
    if (source.note) box.append(make("p", "ref", source.note));
    return box;
  };

  const unmark = () => {
    for (const element of document.querySelectorAll(".s.on")) {
      element.classList.remove("on");
      element.removeAttribute("aria-pressed");
    }
  };

  const close = () => {
    const chosen = document.querySelector(".s.on");
    const inside = panel.contains(document.activeElement);
    unmark();
    panel.replaceChildren(...hint);
    if (inside && chosen) chosen.focus({ preventScroll: true });
  };

  const closer = () => {
    const button = make("button", "close", "×");
    button.type = "button";
    button.setAttribute("aria-label", "Close the evidence");
    button.addEventListener("click", close);
    return button;
  };

  const choose = (number, scroll) => {
    const statement = byNumber.get(number);
    if (!statement) return;
    current = number;
    unmark();
    const chosen = document.querySelectorAll('#report .s[data-n="' + number + '"]');
    for (const element of chosen) {
      element.classList.add("on");
      element.setAttribute("aria-pressed", "true");
    }
    panel.replaceChildren(closer(), make("p", "verdict v-" + statement.state, data.verdicts[statement.state]), make("p", "said", statement.text));
    if (!statement.findings.length) {
      panel.append(make("p", "", "This states something and points at no source."));
    }
    for (const item of statement.findings) panel.append(finding(item));
    panel.scrollTop = 0;
    if (scroll && chosen.length) chosen[0].scrollIntoView({ block: "center" });
  };

  const step = (by) => {
    if (!problems.length) return;
    const at = problems.indexOf(current);
    const next = at < 0 ? (by > 0 ? 0 : problems.length - 1) : (at + by + problems.length) % problems.length;
    choose(problems[next], true);
    const first = document.querySelector('#report .s[data-n="' + problems[next] + '"]');
    if (first) first.focus({ preventScroll: true });
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-n]");
    if (link) {
      event.preventDefault();
      choose(Number(link.dataset.n), true);
      return;
    }
    if (event.target.closest("a")) return;
    const statement = event.target.closest("#report .s");
    if (statement) choose(Number(statement.dataset.n), false);
    else if (sheet.matches && event.target.isConnected && !panel.contains(event.target)) close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") close();
    else if (event.key === "n") step(1);
    else if (event.key === "p") step(-1);
    else if ((event.key === "Enter" || event.key === " ") && event.target.classList && event.target.classList.contains("s")) {
      event.preventDefault();
      choose(Number(event.target.dataset.n), false);
    }
  });
  const named = /^#s(\d+)$/.exec(location.hash);
  if (named) choose(Number(named[1]), true);
})();
