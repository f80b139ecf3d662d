"use strict";
// The report's script: figures, the filter on the score, sorting, the panel of a trial, and the theme.
// Names and values come from users: they reach the page as text nodes alone, never as HTML.
(() => {
  const report = read("report-data");
  const figures = read("report-figures");
  const trials = new Map(report.trials.map((each) => [each.id, each]));
  const ranked = report.trials.filter((each) => each.rank !== null).sort((a, b) => a.rank - b.rank);
  const drawn = new Map(); // by the name of a figure: its element, and its traces as they came
  const filter = { first: 1, last: ranked.length }; // ranks
  const small = matchMedia("(pointer: coarse), (max-width: 40rem)");

  function read(id) {
    return JSON.parse(document.getElementById(id).textContent);
  }

  function make(tag, text, attributes = {}) {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  }

  function say(text) {
    document.getElementById("said").textContent = text;
  }

  // ---- figures

  function look(element) {
    const style = getComputedStyle(element);
    const veil = style.backgroundColor.replace("rgb(", "rgba(").replace(")", ", 0.8)");
    const quiet = getComputedStyle(document.querySelector(".subtitle")).color;
    return { text: style.color, quiet, grid: style.borderTopColor, paper: style.backgroundColor, veil };
  }

  const AXIS_COLOURS = ["gridcolor", "zerolinecolor", "linecolor", "tickcolor"];

  function axesOf(layout) {
    return Object.keys(layout).filter((each) => /^[xy]axis\d*$/.test(each));
  }

  function themed(layout, element) {
    const colours = look(element);
    const found = structuredClone(layout);
    found.font = { ...found.font, color: colours.text, family: getComputedStyle(document.body).fontFamily };
    found.paper_bgcolor = "rgba(0,0,0,0)";
    found.plot_bgcolor = "rgba(0,0,0,0)";
    for (const name of axesOf(found)) {
      const axis = found[name];
      for (const key of AXIS_COLOURS) axis[key] = colours.grid;
      axis.exponentformat ??= "e"; // 1e-4, not 100µ
    }
    for (const each of found.annotations ?? []) if (each.bgcolor) each.bgcolor = colours.veil;
    if (found.showlegend && !small.matches) {
      // room for the buttons above the legend
      found.margin = { ...found.margin, t: (found.margin?.t ?? 30) + 24 };
      found.height += 24;
    }
    found.hoverlabel = { ...found.hoverlabel, bgcolor: colours.paper, bordercolor: colours.text, font: { color: colours.text } };
    found.modebar = { bgcolor: "rgba(0,0,0,0)", color: colours.quiet, activecolor: colours.text };
    // a finger that scrolls the page must not draw a box
    if (small.matches) found.dragmode = false;
    return found;
  }

  const config = {
    responsive: true,
    displaylogo: false,
    showSendToCloud: false, // on by default: a button that uploads the figure
    modeBarButtonsToRemove: ["lasso2d", "select2d"],
  };
  if (small.matches) config.displayModeBar = false;

  async function draw(element, plot) {
    await Plotly.newPlot(element, structuredClone(plot.data), themed(plot.layout, element), config);
    element.on("plotly_click", (event) => {
      const id = trialOf(event.points[0]);
      if (trials.has(id)) show(id, element);
    });
  }

  function trialOf(point) {
    if (Array.isArray(point.customdata)) return point.customdata[0];
    return point.data.meta && typeof point.data.meta === "object" ? point.data.meta.trial : undefined;
  }

  async function drawAll() {
    for (const element of document.querySelectorAll("[data-figure]")) {
      const plot = figures[element.dataset.figure];
      try {
        await draw(element, plot);
        drawn.set(element.dataset.figure, { element, plot });
      } catch (error) {
        element.append(make("p", "This figure could not be drawn."));
        console.error(error);
      }
      // between two figures the page answers
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  // A width, in pixels, is that of paper; without one, figures are as wide as the window lets them be.
  function repaint(width = null) {
    for (const { element, plot } of drawn.values()) {
      const layout = themed(plot.layout, element);
      const changes = { font: layout.font, hoverlabel: layout.hoverlabel, modebar: layout.modebar, width, autosize: width === null };
      for (const name of axesOf(layout)) for (const key of AXIS_COLOURS) changes[`${name}.${key}`] = layout[name][key];
      (layout.annotations ?? []).forEach((each, place) => {
        if (each.bgcolor) changes[`annotations[${place}].bgcolor`] = each.bgcolor;
      });
      Plotly.relayout(element, changes);
    }
  }

  // ---- the filter on the score

  function isShown(id) {
    const trial = trials.get(id);
    return !trial || (trial.rank !== null && filter.first <= trial.rank && trial.rank <= filter.last);
  }

  function buildFilters() {
    if (ranked.length < 2) return;
    document.querySelectorAll("[data-filter]").forEach((place, number) => {
      const set = make("fieldset");
      set.append(make("legend", `Show trials by ${report.metric}`));
      for (const [key, label] of [["first", "best shown"], ["last", "worst shown"]]) {
        const id = `filter-${number}-${key}`;
        const input = make("input", "", { type: "range", id, min: 1, max: ranked.length, step: 1, "data-key": key });
        input.addEventListener("input", () => setFilter(key, Number(input.value)));
        input.addEventListener("change", () => say(`${filter.last - filter.first + 1} of ${ranked.length} trials are shown`));
        const line = make("div", "", { class: "line" });
        line.append(make("label", label, { for: id }), input, make("output", "", { for: id, "data-of": key }));
        set.append(line);
      }
      const all = make("button", "Show all", { type: "button" });
      all.addEventListener("click", () => {
        Object.assign(filter, { first: 1, last: ranked.length });
        applyFilter();
        say("All trials are shown");
      });
      set.append(all);
      place.append(set);
    });
    applyFilter();
  }

  function setFilter(key, rank) {
    filter[key] = rank;
    if (filter.first > filter.last) filter[key === "first" ? "last" : "first"] = rank;
    applyFilter();
  }

  let waiting = false;

  function applyFilter() {
    for (const input of document.querySelectorAll("[data-filter] input")) {
      const rank = filter[input.dataset.key];
      const text = `rank ${rank}: ${ranked[rank - 1].shown.score}`;
      input.value = rank;
      input.setAttribute("aria-valuetext", text);
    }
    for (const output of document.querySelectorAll("[data-filter] output")) {
      const rank = filter[output.dataset.of];
      output.textContent = `rank ${rank}: ${ranked[rank - 1].shown.score}`;
    }
    for (const row of document.querySelectorAll("#trials tbody tr")) row.hidden = !isShown(Number(row.dataset.trial));
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      for (const name of ["parallel", "scatter_matrix"]) if (drawn.has(name)) sift(drawn.get(name));
    });
  }

  // A trace that stands for a trial is hidden as a whole; of one with a point for each trial, points lose their place.
  function sift({ element, plot }) {
    const places = [];
    const changes = { visible: [], y: [] };
    plot.data.forEach((trace, place) => {
      const whole = trace.meta && typeof trace.meta === "object" && "trial" in trace.meta;
      if (!whole && !Array.isArray(trace.customdata)) return;
      places.push(place);
      changes.visible.push(!whole || isShown(trace.meta.trial) ? (trace.visible ?? true) : false);
      const keeps = (index) => whole || !Array.isArray(trace.customdata[index]) || isShown(trace.customdata[index][0]);
      changes.y.push((trace.y ?? []).map((value, index) => (keeps(index) ? value : null)));
    });
    if (places.length) Plotly.restyle(element, changes, places);
  }

  // ---- the leaderboard

  function buildLeaderboard() {
    const table = document.getElementById("trials");
    if (!table) return;
    const body = table.tBodies[0];
    for (const row of body.rows) {
      const id = Number(row.dataset.trial);
      const button = make("button", String(id), { type: "button", "aria-label": `Show trial ${id}` });
      button.addEventListener("click", () => show(id, button));
      row.cells[1].replaceChildren(button);
    }
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = make("button", head.textContent, { type: "button" });
      button.addEventListener("click", () => sort(table, heads, column));
      head.replaceChildren(button);
    });
    heads[0].setAttribute("aria-sort", "ascending");
  }

  function sort(table, heads, column) {
    const down = heads[column].getAttribute("aria-sort") === "ascending";
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[column].setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [key(row.cells[column]), row]);
    rows.sort(([a], [b]) => compare(a, b, down ? -1 : 1));
    body.append(...rows.map(([, row]) => row));
    say(`Sorted by ${heads[column].textContent}, ${down ? "descending" : "ascending"}`);
  }

  function key(cell) {
    const text = cell.dataset.sort ?? cell.textContent;
    if (text === "–") return null;
    return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
  }

  // What is missing stands last either way, and numbers stand before texts.
  function compare(a, b, way) {
    if (a === null || b === null) return (a === null) - (b === null);
    if (typeof a !== typeof b) return (typeof a === "string" ? 1 : -1) * way;
    return (typeof a === "string" ? a.localeCompare(b) : a - b) * way;
  }

  // ---- the panel of a trial

  const panel = document.getElementById("trial");
  let opener = null;

  function show(id, from) {
    const trial = trials.get(id);
    opener = from;
    const head = make("div", "", { class: "head" });
    const close = make("button", "Close", { type: "button" });
    close.addEventListener("click", hide);
    head.append(make("h2", `Trial ${id}`, { id: "trial-title" }), close);
    const facts = make("dl", "", { class: "facts" });
    const rank = trial.rank === null ? {} : { rank: `${trial.rank} of ${ranked.length}` };
    for (const [name, text] of Object.entries({ ...rank, ...trial.shown })) {
      facts.append(make("dt", name === "score" ? report.metric : name), make("dd", text));
    }
    const values = make("dl", "", { class: "facts" });
    report.parameters.forEach((name, place) => {
      if (trial.values[place] !== null) values.append(make("dt", name), make("dd", trial.values[place]));
    });
    panel.replaceChildren(head, facts, make("h3", "Values"), values);
    panel.hidden = false;
    drawCurves(trial);
    panel.focus({ preventScroll: true });
  }

  function drawCurves(trial) {
    if (!trial.curves.length) {
      panel.append(make("p", "It has left no learning curve."));
      return;
    }
    const name = `Learning curves of trial ${trial.id}`;
    const place = make("div", "", { class: "plot", role: "img", "aria-label": name });
    panel.append(make("h3", "Learning curves"), place);
    const several = trial.curves.length > 4;
    const data = trial.curves.map((curve) => {
      const isValidation = curve.name.startsWith("val_");
      const shift = isValidation || !report.metric.match(/^(val|fold)_/) ? 0 : 0.5;
      return {
        type: "scatter",
        mode: curve.y.length > 1 ? "lines" : "markers",
        name: plain(curve.name),
        x: curve.y.map((_, index) => (curve.x ? curve.x[index] : index + 1) - shift),
        y: curve.y,
        line: { width: 2, dash: isValidation ? "solid" : "dot", ...(several ? {} : { color: isValidation ? "#0072B2" : "#D55E00" }) },
        hovertemplate: "epoch %{x}: %{y}<extra></extra>",
      };
    });
    const layout = {
      height: 260,
      margin: { l: 10, r: 10, t: 10, b: 10 },
      xaxis: { title: { text: "epoch" }, automargin: true, zeroline: false },
      yaxis: { automargin: true, zeroline: false },
      legend: { orientation: "h", y: 1.02, yanchor: "bottom" },
      showlegend: data.length <= 6,
    };
    Plotly.newPlot(place, data, themed(layout, place), { ...config, displayModeBar: false });
    panel.append(make("p", words(trial), { class: "small" }));
  }

  function words(trial) {
    const validated = trial.curves.filter((each) => each.name.startsWith("val_")).length;
    if (!validated || validated === trial.curves.length) return "";
    return "Solid: validation rows. Dotted: training rows, half an epoch earlier, since a training figure is the mean over its epoch.";
  }

  // plotly draws some tags of a text
  function plain(text) {
    return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  }

  function hide() {
    if (panel.hidden) return;
    panel.hidden = true;
    const place = panel.querySelector(".plot");
    if (place) Plotly.purge(place);
    panel.replaceChildren();
    if (opener) opener.focus({ preventScroll: true });
    opener = null;
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });

  // ---- the theme

  const system = matchMedia("(prefers-color-scheme: dark)");
  const toggle = document.getElementById("theme");

  function isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : system.matches;
  }

  function name() {
    toggle.textContent = isDark() ? "Light theme" : "Dark theme";
  }

  toggle.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    name();
    hide();
    repaint();
  });
  system.addEventListener("change", () => {
    name();
    hide();
    repaint();
  });
  // paper is light, and narrower than most windows
  addEventListener("beforeprint", () => {
    document.documentElement.classList.add("printing");
    repaint(680);
  });
  addEventListener("afterprint", () => {
    document.documentElement.classList.remove("printing");
    repaint();
  });

  toggle.hidden = false;
  name();
  buildLeaderboard();
  buildFilters();
  drawAll();
})();
