() => {
  // Connects the two rankings: lines between them, and a highlight on both sides of what is hovered, focused or chosen.
  if (window.secondLook) return;
  window.secondLook = true;

  const NS = "http://www.w3.org/2000/svg";
  let chosen = null;

  const mark = (scope, pointed) => {
    scope.querySelectorAll(".sl-on").forEach((one) => one.classList.remove("sl-on"));
    const keys = [chosen, pointed].filter(Boolean);
    scope.classList.toggle("sl-following", keys.length > 0);
    keys.forEach((key) => {
      scope.querySelectorAll(`[data-passage="${key}"]`).forEach((one) => one.classList.add("sl-on"));
    });
  };

  const point = (event) => {
    const target = event.target;
    if (!(target instanceof Element)) return;
    const scope = target.closest(".sl-result");
    if (!scope) {
      document.querySelectorAll(".sl-result").forEach((one) => mark(one, null));
      return;
    }
    mark(scope, target.closest("[data-passage]")?.dataset.passage);
  };

  const choose = (button) => {
    const scope = button.closest(".sl-result");
    const card = button.closest("[data-passage]");
    const key = card.dataset.passage;
    chosen = chosen === key ? null : key;
    scope.querySelectorAll(".sl-rank").forEach((one) => {
      one.setAttribute("aria-pressed", String(one.closest("[data-passage]").dataset.passage === chosen));
    });
    mark(scope, key);
    if (!chosen) return;
    const others = [...scope.querySelectorAll(`.sl-card[data-passage="${key}"]`)].filter((one) => one !== card);
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    others[0]?.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
  };

  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    if (!source) return;
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(source);
      const selection = window.getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  };

  const line = (svg, d, card) => {
    const path = document.createElementNS(NS, "path");
    path.setAttribute("d", d);
    path.setAttribute("class", `sl-${card.dataset.move}`);
    path.dataset.passage = card.dataset.passage;
    svg.append(path);
  };

  const draw = (compare) => {
    const svg = compare.querySelector(".sl-links");
    const box = compare.getBoundingClientRect();
    svg.replaceChildren();
    if (!box.width || getComputedStyle(svg).display === "none") return;
    const anchor = (card) => {
      const rank = card.querySelector(".sl-rank").getBoundingClientRect();
      const body = card.getBoundingClientRect();
      return { left: body.left - box.left, right: body.right - box.left, y: rank.top + rank.height / 2 - box.top };
    };
    const before = new Map();
    compare.querySelectorAll(".sl-before .sl-card").forEach((one) => before.set(one.dataset.passage, one));
    compare.querySelectorAll(".sl-after .sl-card").forEach((card) => {
      const end = anchor(card);
      const origin = before.get(card.dataset.passage);
      if (origin) {
        const start = anchor(origin);
        const middle = (start.right + end.left) / 2;
        line(svg, `M ${start.right} ${start.y} C ${middle} ${start.y} ${middle} ${end.y} ${end.left} ${end.y}`, card);
      } else {
        line(svg, `M ${end.left - 34} ${end.y + 16} Q ${end.left - 22} ${end.y} ${end.left} ${end.y}`, card);
        const label = document.createElementNS(NS, "text");
        label.setAttribute("x", String(end.left - 38));
        label.setAttribute("y", String(end.y + 22));
        label.setAttribute("text-anchor", "end");
        label.textContent = card.dataset.was;
        label.dataset.passage = card.dataset.passage;
        svg.append(label);
      }
    });
  };

  let waiting = false;
  const redraw = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      document.querySelectorAll(".sl-compare").forEach(draw);
    });
  };

  const sizes = new ResizeObserver(redraw);
  const watch = () => {
    document.querySelectorAll(".sl-compare:not([data-watched])").forEach((one) => {
      one.dataset.watched = "yes";
      chosen = null;
      sizes.observe(one);
    });
  };
  new MutationObserver(watch).observe(document.body, { childList: true, subtree: true });
  watch();

  document.addEventListener("mouseover", point);
  document.addEventListener("focusin", point);
  document.addEventListener("toggle", redraw, true);
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    const rank = event.target.closest(".sl-rank");
    if (rank) choose(rank);
    const button = event.target.closest(".sl-copy");
    if (button) copy(button);
  });
}
