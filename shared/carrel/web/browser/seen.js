// What a reader would see of the page, as HTML of at most `limit` characters: shadow trees in their places, what is not
// displayed marked hidden, scripts left out. A copy is built in an inert document, so no script of the page takes
// notice. `over` (see browser_child.py) says that the page grew too large to be displayed.
(limit, styledElements) => {
  const DROPPED = new Set(["noscript", "template", "iframe", "object", "embed", "canvas"]);
  const UNSTYLED = new Set(["head", "style", "link", "meta", "title", "base", "script", "source", "track", "br", "wbr"]);
  const HTML = "http://www.w3.org/1999/xhtml";
  const inert = document.implementation.createHTMLDocument("");
  inert.documentElement.remove();
  const styled =
    !over && document.getElementsByTagName("*").length <= styledElements && document.documentElement.textContent.length <= limit;
  const judged = (element) => styled && element.namespaceURI === HTML && !UNSTYLED.has(element.localName);
  const children = (element) => {
    if (element.shadowRoot) return element.shadowRoot.childNodes;
    const assigned = element.localName === "slot" ? element.assignedNodes() : [];
    return assigned.length ? assigned : element.childNodes;
  };
  const wanted = (element) => {
    const tag = element.localName;
    if (tag === "script") return element.type === "application/ld+json";
    if (tag === "style") return !(element.getRootNode() instanceof ShadowRoot);
    return !DROPPED.has(tag);
  };
  const stack = document.documentElement ? [[document.documentElement, inert, false]] : [];
  let left = limit;
  while (stack.length && left > 0) {
    const [node, parent, unseen] = stack.pop();
    if (node.nodeType === Node.TEXT_NODE) {
      const text = node.data.length > left ? node.data.slice(0, left) : node.data;
      left -= text.length;
      let holder = parent;
      if (unseen && text.trim()) {
        holder = parent.appendChild(inert.createElement("span"));
        holder.hidden = true;
      }
      holder.appendChild(inert.createTextNode(text));
      continue;
    }
    if (node.nodeType !== Node.ELEMENT_NODE || !wanted(node)) continue;
    let copy = parent;
    let hides = unseen;
    if (node.localName !== "slot") {
      copy = inert.importNode(node, false);
      if (over && node === document.documentElement) copy.removeAttribute("style");
      parent.appendChild(copy);
      left -= 2 * node.localName.length + 5;
      for (const attribute of node.attributes) left -= attribute.name.length + attribute.value.length + 4;
      if (judged(node)) {
        const style = getComputedStyle(node);
        if (style.display === "none") copy.hidden = true;
        hides = style.visibility !== "visible" && style.visibility !== "";
      }
    }
    const inside = children(node);
    for (let place = inside.length - 1; place >= 0; place--) stack.push([inside[place], copy, hides]);
  }
  return JSON.stringify({ html: inert.documentElement?.outerHTML ?? "", cut: left <= 0 });
}
