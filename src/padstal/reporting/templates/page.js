"use strict";
(() => {
  // Playing: one clip at a time; a click on the picture seeks, a click on a row's button plays the row.
  let current = null;
  const audioOf = (clip) => clip.querySelector("audio");

  function stop() {
    if (!current) return;
    const clip = current;
    current = null;
    audioOf(clip).pause();
    clip.classList.remove("on");
    clip.querySelector(".screen").setAttribute("aria-pressed", "false");
  }

  function play(clip, from) {
    stop();
    current = clip;
    const audio = audioOf(clip);
    audio.currentTime = from;
    clip.classList.add("on");
    clip.querySelector(".screen").setAttribute("aria-pressed", "true");
    audio.play().catch(() => { if (current === clip) stop(); });
    requestAnimationFrame(() => follow(clip));
  }

  function follow(clip) {
    if (current !== clip) return;
    const audio = audioOf(clip);
    const share = audio.duration ? audio.currentTime / audio.duration : 0;
    clip.querySelector(".head").style.left = `${100 * share}%`;
    requestAnimationFrame(() => follow(clip));
  }

  document.querySelectorAll(".clip").forEach((clip) => {
    const screen = clip.querySelector(".screen");
    screen.addEventListener("click", (event) => {
      const box = screen.getBoundingClientRect();
      const byPointer = event.detail > 0;
      const onIcon = event.target.classList.contains("icon");
      const share = byPointer ? (event.clientX - box.left) / box.width : 0;
      if (current === clip && (onIcon || !byPointer)) { stop(); return; }
      const seconds = Number(clip.dataset.seconds);
      play(clip, onIcon || !byPointer || current !== clip ? 0 : share * seconds);
    });
    audioOf(clip).addEventListener("ended", () => {
      const row = clip.closest(".take");
      const following = row && row.dataset.running === "yes" ? clip.nextElementSibling : null;
      stop();
      if (following) play(following, 0);
      else if (row) row.dataset.running = "no";
    });
  });

  document.querySelectorAll(".play-row").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => {
      const row = button.closest(".take");
      if (current && row.contains(current) && row.dataset.running === "yes") { row.dataset.running = "no"; stop(); return; }
      row.dataset.running = "yes";
      play(row.querySelector(".clip"), 0);
    });
  });

  // Filtering captions by words and by decision.
  const words = document.getElementById("caption-words");
  const decision = document.getElementById("caption-decision");
  if (words && decision) {
    const rows = [...document.querySelectorAll("#caption-table tbody tr")];
    const count = document.getElementById("caption-count");
    const filter = () => {
      const wanted = words.value.trim().toLowerCase();
      let shown = 0;
      rows.forEach((row) => {
        const fits = (!decision.value || row.dataset.decision === decision.value) && row.textContent.toLowerCase().includes(wanted);
        row.hidden = !fits;
        shown += fits;
      });
      count.textContent = `${shown} of ${rows.length} shown`;
    };
    words.addEventListener("input", filter);
    decision.addEventListener("change", filter);
    filter();
  }

  // This machine's record: how long each stage took, on what, from which revision.
  const record = JSON.parse(document.getElementById("record").textContent);
  const place = document.getElementById("record-here");

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function seconds(value) {
    if (value < 90) return `${value.toFixed(1)} s`;
    return value < 5400 ? `${(value / 60).toFixed(1)} min` : `${(value / 3600).toFixed(1)} h`;
  }

  function facts(pairs) {
    const list = element("dl", undefined, "facts fine");
    pairs.filter(([, text]) => text).forEach(([name, text]) => {
      const box = element("div");
      box.append(element("dt", name), element("dd", text));
      list.append(box);
    });
    return list;
  }

  // A bar on the scale of the stage that went furthest over its budget; the stroke marks the budget.
  function ofBudget(share, highest) {
    const box = element("span", `${(100 * share).toFixed(0)} %`);
    const bar = element("span", undefined, share > 1 ? "meter over" : "meter");
    const fill = element("i");
    fill.style.width = `${100 * share / highest}%`;
    const budget = element("b");
    budget.style.left = `calc(${100 / highest}% - 2px)`;
    bar.append(fill, budget);
    box.append(bar);
    return box;
  }

  function timings(rows) {
    const table = element("table", undefined, "stack");
    const highest = Math.max(1, ...rows.map((row) => row.wall_seconds / row.budget_seconds).filter(Number.isFinite));
    const head = table.createTHead().insertRow();
    const columns = [["stage", ""], ["took", "num"], ["budget", "num"], ["of budget", ""], ["peak memory", "num"], ["finished", ""]];
    columns.forEach(([text, className]) => { const cell = element("th", text, className); cell.scope = "col"; head.append(cell); });
    const body = table.createTBody();
    rows.forEach((row) => {
      const line = body.insertRow();
      const name = element("th", row.label);
      name.scope = "row";
      const cells = [
        seconds(row.wall_seconds), row.budget_seconds ? seconds(row.budget_seconds) : "–",
        row.budget_seconds ? ofBudget(row.wall_seconds / row.budget_seconds, highest) : "–",
        `${row.peak_gibibytes.toFixed(2)} GiB`, row.finished];
      line.append(name, ...cells.map((content, place) => {
        const [label, className] = columns[place + 1];
        const cell = element("td", undefined, className);
        cell.dataset.label = label;
        cell.append(content);
        return cell;
      }));
    });
    const box = element("div", undefined, "scroll");
    box.append(table);
    return box;
  }

  if (record && place) {
    const ran = record.timings.filter((row) => !row.cached);
    const total = ran.reduce((sum, row) => sum + row.wall_seconds, 0);
    const peak = Math.max(0, ...ran.map((row) => row.peak_gibibytes));
    const cached = record.timings.filter((row) => row.cached).map((row) => row.label);
    place.replaceChildren(
      facts([
        ["git revision", record.revision ? record.revision.slice(0, 10) + (record.changed ? " + changes" : "") : "unknown"],
        ["written", record.written],
        ["ran here", `${ran.length} of ${record.timings.length} stages, ${seconds(total)}`],
        ["from the cache", cached.length ? `${cached.length} stages` : ""],
        ["peak memory", `${peak.toFixed(2)} GiB`],
        ["processor", record.machine.processor], ["cores", String(record.machine.cores)],
        ["memory", record.machine.memory], ["system", record.machine.system], ["Python", record.machine.python],
        ["accelerator", record.machine.accelerator],
      ]),
      timings(ran));
    if (cached.length) place.append(element("p", `From the cache, as another run had made it: ${cached.join(", ")}.`, "soft small"));
  }

  // The section in view is marked in the navigation.
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const watcher = new IntersectionObserver((entries) => {
    entries.filter((entry) => entry.isIntersecting).forEach((entry) => {
      links.forEach((link) => link.classList.remove("here"));
      const link = links.get(entry.target.id);
      if (!link) return;
      link.classList.add("here");
      const bar = link.parentElement;
      if (bar.scrollWidth > bar.clientWidth) bar.scrollLeft = link.offsetLeft - 60;
    });
  }, { rootMargin: "-15% 0px -75% 0px" });
  document.querySelectorAll("main section[id]").forEach((section) => watcher.observe(section));
})();
