"use strict";
/* Sorting, filtering and the treemap. Without it, the page has all tables as they are. Texts of the
   image go into the page as text alone (textContent): never as markup. */
(() => {
  const make = (name, kind, text) => {
    const made = document.createElement(name);
    if (kind) made.className = kind;
    if (text !== undefined) made.textContent = text;
    if (name === "button") made.type = "button";
    return made;
  };

  const sizeText = (bytes) => {
    if (bytes < 10000) return `${bytes} B`;
    const units = ["kB", "MB", "GB", "TB"];
    let at = -1;
    let amount = bytes;
    while ((amount >= 1000 || at < 0) && at < units.length - 1) {
      amount /= 1000;
      at += 1;
    }
    return `${amount < 100 ? amount.toFixed(1) : Math.round(amount)} ${units[at]}`;
  };

  /* Tables. */
  const valueOf = (row, column) => {
    const cell = row.cells[column];
    if (!cell) return "";
    return cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v);
  };

  const texts = new Intl.Collator(); /* ten times as fast as localeCompare */
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return texts.compare(String(a), String(b));
  };

  /* Rows that the page keeps back, since thousands of them at once are slow to lay out. */
  const keptBack = (table) => {
    const rest = table.parentElement.nextElementSibling;
    return rest && rest.matches("template.rest") ? rest : null;
  };

  /* What is shown of a table: its rows in some order, those of them that are wanted, the first. */
  const shownOf = (table) => {
    const body = table.tBodies[0];
    const rest = keptBack(table);
    const step = rest ? body.rows.length : Infinity;
    const rows = [...body.rows, ...(rest ? rest.content.children : [])];
    const words = new Map();
    const wordsOf = (row) => {
      if (!words.has(row)) words.set(row, row.textContent.toLowerCase());
      return words.get(row);
    };
    const shown = { rows, wanted: "", most: step, left: rows.length, told: () => {} };
    shown.draw = () => {
      const left = shown.wanted ? rows.filter((row) => wordsOf(row).includes(shown.wanted)) : rows;
      shown.left = left.length;
      body.replaceChildren(...left.slice(0, shown.most));
      shown.told();
    };
    if (rest) more(rest, shown, step);
    return shown;
  };

  const more = (rest, shown, step) => {
    const line = make("div", "more");
    const count = make("output");
    const button = make("button");
    shown.told = () => {
      const now = Math.min(shown.most, shown.left);
      const next = Math.min(step, shown.left - now);
      count.textContent = `${now.toLocaleString("en")} of ${shown.left.toLocaleString("en")} shown`;
      button.textContent = `show ${next.toLocaleString("en")} more`;
      button.hidden = !next;
    };
    button.addEventListener("click", () => {
      shown.most += step;
      shown.draw();
    });
    line.append(count, button);
    rest.nextElementSibling.replaceWith(line);
    shown.told();
  };

  const sortable = (table, shown) => {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (!head.textContent) return;
      const button = make("button", "", head.textContent);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const numbers = head.classList.contains("num");
        const now = head.getAttribute("aria-sort");
        const up = now ? now === "descending" : !numbers;
        heads.forEach((each) => each.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const rows = shown.rows.map((row) => [valueOf(row, column), row]);
        rows.sort((one, other) => (up ? 1 : -1) * compare(one[0], other[0]));
        rows.forEach((each, at) => {
          shown.rows[at] = each[1];
        });
        shown.draw();
      });
    });
  };

  const searchable = (table, shown) => {
    const every = shown.rows.length;
    if (every < 6) return;
    const line = make("label", "find");
    const input = make("input");
    const count = make("output");
    input.type = "search";
    input.name = `find-${table.dataset.find}`;
    input.placeholder = `filter ${table.dataset.find}`;
    input.setAttribute("aria-label", `filter ${table.dataset.find}`);
    input.addEventListener("input", () => {
      shown.wanted = input.value.toLowerCase();
      shown.draw();
      count.textContent = shown.wanted ? `${shown.left} of ${every}` : "";
    });
    line.append(input, count);
    table.parentElement.before(line);
  };

  /* The treemap: squarified (Bruls, Huizing, van Wijk 2000). */
  const worst = (row, sum, side) => {
    const first = row[0];
    const last = row[row.length - 1];
    const square = side * side;
    return Math.max((square * first.area) / (sum * sum), (sum * sum) / (square * last.area));
  };

  const squarify = (items, width, height, place) => {
    const total = items.reduce((sum, each) => sum + each.size, 0);
    let [x, y, w, h] = [0, 0, width, height];
    const left = items.map((each) => ({ ...each, area: (each.size * width * height) / total }));
    let at = 0;
    while (at < left.length && w > 0 && h > 0) {
      const side = Math.min(w, h);
      const row = [left[at]];
      let sum = left[at].area;
      at += 1;
      while (at < left.length) {
        const next = sum + left[at].area;
        if (worst([...row.slice(0, 1), left[at]], next, side) > worst(row, sum, side)) break;
        row.push(left[at]);
        sum = next;
        at += 1;
      }
      const thick = sum / side;
      let along = 0;
      row.forEach((each) => {
        const long = each.area / thick;
        if (w >= h) place(each, x, y + along, thick, long);
        else place(each, x + along, y, long, thick);
        along += long;
      });
      if (w >= h) [x, w] = [x + thick, w - thick];
      else [y, h] = [y + thick, h - thick];
    }
  };

  const isFolder = (node) => Array.isArray(node[2]);
  const MOST = 400; /* cells of one folder: the smallest would be too small to see */

  const itemsOf = (folder) => {
    const items = folder[2].slice(0, MOST).map((node) => ({ node, size: node[1] }));
    const over = folder[2].slice(MOST);
    const files = over.reduce((sum, each) => sum + (isFolder(each) ? each[3] : 1), folder[4]);
    const size = over.reduce((sum, each) => sum + each[1], folder[5]);
    if (size > 0) items.push({ node: null, size, files });
    return items.sort((a, b) => b.size - a.size);
  };

  const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

  const treemap = (box) => {
    const root = JSON.parse(document.getElementById(box.dataset.from).textContent);
    const crumbs = make("div", "crumbs");
    const map = make("div", "map");
    const legend = make("div", "legend");
    let way = [root];

    const go = (next) => {
      way = next;
      draw();
      const last = crumbs.querySelector("b");
      if (last) last.focus();
    };

    const fill = (cell, name, size) => {
      cell.append(make("span", "", name), make("span", "dim", sizeText(size)));
    };

    const cellOf = (item, above) => {
      const { node, size } = item;
      if (!node) {
        const rest = make("div", "cell rest");
        fill(rest, plural(item.files, "smaller file"), size);
        rest.title = `${plural(item.files, "smaller file")}, ${sizeText(size)}`;
        return rest;
      }
      const path = [...above.map((each) => each[0]), node[0]].join("/");
      const folder = isFolder(node);
      const cell = make(folder ? "button" : "div", `cell ${folder ? "box" : `l${node[2] % 8}`}`);
      fill(cell, folder ? `${node[0]}/` : node[0], size);
      cell.title = `${path}, ${sizeText(size)}${folder ? "" : `, layer ${node[2]}`}`;
      if (folder) {
        cell.setAttribute("aria-label", `open ${path}, ${sizeText(size)}`);
        cell.addEventListener("click", () => go([...above, node]));
      }
      return cell;
    };

    /* Shares of the width, not pixels: paper is not as wide as the window. */
    const put = (cell, x, y, w, h, parent, width) => {
      cell.style.left = `${(100 * x) / width}%`;
      cell.style.top = `${y}px`;
      cell.style.width = `${(100 * w) / width}%`;
      cell.style.height = `${h}px`;
      if (!cell.classList.contains("folder")) {
        if (w < 34 || h < 18) cell.replaceChildren();
        else if (h < 36 && cell.lastChild) cell.lastChild.remove();
      }
      parent.append(cell);
    };

    const TITLE = 21;
    const DEEPEST = 12;

    /* A folder with what is in it: further floors where there is room for them. */
    const fillBox = (parent, folder, above, floor, width, height) => {
      const top = floor ? TITLE : 0;
      squarify(itemsOf(folder), width, height - top, (item, x, y, w, h) => {
        if (w < 2 || h < 2) return;
        const { node, size } = item;
        if (!node || !isFolder(node) || floor >= DEEPEST || w < 90 || h < 70) {
          put(cellOf(item, above), x, y + top, w, h, parent, width);
          return;
        }
        const outer = make("div", "cell folder");
        const title = make("button", "cell title");
        const way = [...above, node];
        const path = way.map((each) => each[0]).join("/");
        title.append(make("span", "", `${node[0]}/  ${sizeText(size)}`));
        title.title = `${path}/, ${sizeText(size)}`;
        title.setAttribute("aria-label", `open ${path}, ${sizeText(size)}`);
        title.addEventListener("click", () => go(way));
        outer.append(title);
        put(outer, x, y + top, w, h, parent, width);
        fillBox(outer, node, way, floor + 1, w - 2, h - 2);
      });
    };

    const draw = () => {
      const folder = way[way.length - 1];
      crumbs.replaceChildren();
      way.forEach((each, at) => {
        const name = at ? each[0] : "/";
        if (at > 1) crumbs.append("/");
        if (at === way.length - 1) {
          const here = make("b", "", name);
          here.tabIndex = -1;
          crumbs.append(here);
          return;
        }
        const back = make("button", "", name);
        back.addEventListener("click", () => go(way.slice(0, at + 1)));
        crumbs.append(back);
      });
      crumbs.append(make("span", "dim", `${sizeText(folder[1])} in ${plural(folder[3], "file")}`));
      map.replaceChildren();
      fillBox(map, folder, way, 0, map.clientWidth, map.clientHeight);
    };

    legend.append("colour: the layer of a file, as in the table of layers; a click opens a folder");
    box.append(crumbs, map, legend);
    box.hidden = false;
    let width = map.clientWidth;
    draw();
    new ResizeObserver(() => {
      if (map.clientWidth === width) return;
      width = map.clientWidth;
      draw();
    }).observe(map);
  };

  document.querySelectorAll("table.sorts, table[data-find]").forEach((table) => {
    const shown = shownOf(table);
    if (table.classList.contains("sorts")) sortable(table, shown);
    if (table.dataset.find) searchable(table, shown);
  });
  document.querySelectorAll(".treemap").forEach(treemap);
})();
