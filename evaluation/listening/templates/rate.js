"use strict";
// One rater's way through a sheet. All that is answered lies in localStorage at once, and leaves as one JSON file or by POST to "answers".
(() => {
  const test = JSON.parse(document.getElementById("test").textContent);
  const main = document.getElementById("main");
  const isPairs = test.kind === "pairs";
  const asked = new URLSearchParams(location.hash.slice(1) || location.search).get("sheet");
  const wanted = /^\d+$/.test(asked || "") && Number(asked) >= 1 && Number(asked) <= test.sheets.length ? Number(asked) - 1 : null;
  const place = `n2m-${test.id}-${wanted === null ? "any" : wanted}`;
  let keeps = true;
  let state = load() || begin();
  let view = null;

  function randomHex(bytes) {
    return [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function begin() {
    const sheet = wanted === null ? crypto.getRandomValues(new Uint32Array(1))[0] % test.sheets.length : wanted;
    return { rater: randomHex(8), sheet, at: -1, revision: 0, answers: {} };
  }

  function load() {
    try {
      const found = JSON.parse(localStorage.getItem(place));
      return found && test.sheets[found.sheet] && /^[0-9a-f]{16}$/.test(found.rater) && typeof found.answers === "object" ? found : null;
    } catch {
      return null;
    }
  }

  function save() {
    try {
      localStorage.setItem(place, JSON.stringify(state));
    } catch {
      keeps = false;
    }
  }

  // -1 is the introduction, then practice, then the sheet, then the end.
  const steps = () => [...test.practice, ...test.sheets[state.sheet]];
  const isWhole = (answer) => Boolean(answer && (answer.skipped || test.questions.every((question) => answer.choices[question.name])));

  // FNV-1a of 64 bits: shows that a file was changed on its way, and keeps nobody from it who wants to.
  function checksum(text) {
    let hash = 0xcbf29ce484222325n;
    for (const byte of new TextEncoder().encode(text)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
    return hash.toString(16).padStart(16, "0");
  }

  function result() {
    const answers = test.sheets[state.sheet].filter((item) => isWhole(state.answers[item.id])).map((item) => {
      const { choices, heard, ms, skipped } = state.answers[item.id];
      const ordered = Object.fromEntries(test.questions.filter((q) => choices[q.name]).map((q) => [q.name, choices[q.name]]));
      return { item: item.id, choices: ordered, heard: heard.map(Math.round), ms: Math.round(ms), skipped: Boolean(skipped) };
    });
    const lines = answers.map((a) => [a.item, ...Object.entries(a.choices).map(([name, value]) => `${name}=${value}`),
      `heard=${a.heard.join(",")}`, `ms=${a.ms}`, `skipped=${Number(a.skipped)}`].join("|"));
    const sum = checksum([test.id, state.sheet, state.rater, state.revision, ...lines].join("\n"));
    return { test: test.id, sheet: state.sheet, rater: state.rater, revision: state.revision, answers, checksum: sum };
  }

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value === true) made.setAttribute(key, "");
      else if (value !== false && value !== null) made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  const kbd = (key) => element("kbd", { "aria-hidden": "true" }, key);
  const PLAY = "M4 2 L18 10 L4 18 Z", PAUSE = "M3 2 H8 V18 H3 Z M12 2 H17 V18 H12 Z";

  function icon(path) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 20 20");
    svg.setAttribute("aria-hidden", "true");
    const drawn = document.createElementNS("http://www.w3.org/2000/svg", "path");
    drawn.setAttribute("d", path);
    svg.append(drawn);
    return svg;
  }

  function show(...children) {
    main.replaceChildren(...(keeps ? [] : [element("p", { class: "notice" },
      "This browser keeps nothing when the page is closed. Answer in one go and save the file at the end.")]), ...children);
    const done = Math.max(0, state.at - test.practice.length) / test.sheets[state.sheet].length;
    document.getElementById("progress-bar").style.width = `${100 * Math.min(1, done)}%`;
    document.getElementById("progress").setAttribute("aria-valuenow", Math.round(100 * Math.min(1, done)));
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }

  function go(at) {
    if (view) view.leave(); // Before anything is summed up: the time of what is left counts.
    view = null;
    state.at = Math.max(-1, Math.min(at, steps().length));
    save();
    if (state.at < 0) introduction();
    else if (state.at >= steps().length) ending();
    else judge(steps()[state.at], state.at < test.practice.length);
  }

  function introduction() {
    const items = test.sheets[state.sheet].length;
    const seconds = items * (isPairs ? 40 : 15);
    const keys = [[isPairs ? [kbd("A"), " ", kbd("B")] : [kbd("A")], "play or stop a clip"], [[kbd("Space")], "stop, or go on"],
      [[kbd("1"), " … ", kbd(String(test.questions[0].choices.length))], "answer"], [[kbd("Enter")], "next"], [[kbd("Backspace")], "back"]];
    if (test.questions.length > 1) keys.splice(3, 0, [[kbd("↑"), " ", kbd("↓")], "the other question"]);
    show(
      element("h1", {}, isPairs ? "Which of two clips?" : "Is it true of the clip?"),
      element("p", {}, isPairs
        ? `You will hear ${items} pairs of short clips${test.practice.length ? ", after one for practice" : ""}, and say which of the two is better. It takes about ${Math.ceil(seconds / 60)} minutes.`
        : `You will hear ${items} short clips, each with a few words about it, and say whether they are true. It takes about ${Math.ceil(seconds / 60)} minutes.`),
      element("ul", {},
        element("li", {}, "Use headphones, in a quiet place, and do not change the volume once it is comfortable."),
        element("li", {}, "Listen as often as you like. There are no right or wrong opinions."),
        element("li", {}, "You may close the page at any time: your answers are kept in this browser.")),
      element("dl", { class: "keys" }, ...keys.flatMap(([key, what]) => [element("dt", {}, ...key), element("dd", {}, what)])),
      element("div", { class: "go" }, element("span"), button("Begin", () => go(0), "Enter", true)));
    view = { leave() {}, key: (key) => key === "Enter" && go(0) };
  }

  function button(text, action, key = null, isMain = false) {
    return element("button", { type: "button", class: isMain ? "button main" : "button", onclick: action }, text, ...(key ? [kbd(key)] : []));
  }

  function judge(item, isPractice) {
    const answer = state.answers[item.id] || (state.answers[item.id] = { choices: {}, heard: item.clips.map(() => 0), ms: 0 });
    let since = performance.now();
    let current = 0;
    let failed = false;

    const players = item.clips.map((clip, number) => {
      const audio = new Audio(clip);
      audio.preload = "auto";
      const name = "AB"[number];
      const title = isPairs ? `Clip ${name}` : "Clip";
      const mark = element("span", { class: "icon" }, icon(PLAY));
      const said = element("span", { class: "state" });
      const bar = element("i");
      const before = answer.heard[number];
      const knob = element("button", { type: "button", class: number ? "clip second" : "clip", onclick: () => toggle(number) },
        element("span", { class: "face" }, mark, element("span", {}, element("span", { class: "name" }, title, " ", kbd(name)), said)),
        element("span", { class: "time" }, bar));

      function draw() {
        let played = before;
        for (let range = 0; range < audio.played.length; range++) played += 1000 * (audio.played.end(range) - audio.played.start(range));
        answer.heard[number] = Math.max(answer.heard[number], played);
        const isHeard = answer.heard[number] >= least(audio);
        knob.classList.toggle("playing", !audio.paused);
        knob.classList.toggle("heard", isHeard);
        mark.replaceChildren(icon(audio.paused ? PLAY : PAUSE));
        knob.setAttribute("aria-label", `${audio.paused ? "Play" : "Stop"} ${title.toLowerCase()}`);
        said.textContent = audio.paused ? (isHeard ? "✓ heard" : played ? "not long enough yet" : "not heard yet") : `${Math.ceil(Math.max(0, (audio.duration || 0) - audio.currentTime))} s`;
        bar.style.width = `${audio.duration ? (100 * audio.currentTime) / audio.duration : 0}%`;
        open();
      }

      for (const event of ["play", "pause", "timeupdate", "seeked", "loadedmetadata"]) audio.addEventListener(event, draw);
      audio.addEventListener("ended", () => { audio.currentTime = 0; save(); draw(); });
      audio.addEventListener("error", () => { failed = true; warn(); });
      return { audio, knob, draw };
    });

    function least(audio) {
      const all = Number.isFinite(audio.duration) ? audio.duration : Infinity;
      return 1000 * Math.min(test.must_hear, Math.max(0, all - 0.3));
    }

    function toggle(number) {
      current = number;
      players.forEach(({ audio }, other) => other !== number && audio.pause());
      const { audio } = players[number];
      if (audio.paused) audio.play().catch(() => {});
      else audio.pause();
      players[number].draw();
    }

    const fields = test.questions.map((question, number) => {
      const inputs = question.choices.map((choice, place) => element("input", {
        type: "radio", name: question.name, value: place + 1, checked: answer.choices[question.name] === place + 1,
        onchange: () => choose(number, place + 1), onfocus: () => activate(number) }));
      const set = element("fieldset", { disabled: true },
        element("legend", {}, question.ask), element("p", { class: "hint" }, question.hint),
        element("div", { class: question.choices.length === 3 ? "choices three" : "choices" },
          ...question.choices.map((choice, place) => element("label", { class: "choice" }, inputs[place], kbd(String(place + 1)), element("span", {}, choice)))));
      return { set, inputs };
    });
    const next = button("Next", () => forward(), "Enter", true);
    const wait = element("span", { role: "status" });
    const trouble = element("div");
    let active = Math.max(0, test.questions.findIndex((question) => !answer.choices[question.name]));

    function activate(number) {
      active = number;
      fields.forEach(({ set }, other) => set.classList.toggle("active", other === active && test.questions.length > 1));
    }

    function choose(number, value) {
      const input = fields[number].inputs[value - 1];
      if (!input || fields[number].set.disabled) return;
      input.checked = true;
      answer.choices[test.questions[number].name] = value;
      delete answer.skipped;
      state.revision += 1;
      const left = test.questions.findIndex((question) => !answer.choices[question.name]);
      activate(left < 0 ? number : left);
      if (left >= 0 && left !== number) fields[left].set.scrollIntoView({ block: "nearest" });
      save();
      open();
    }

    function open() {
      const ready = players.every(({ audio }, number) => answer.heard[number] >= least(audio)) || fields.some(({ inputs }) => inputs.some((i) => i.checked));
      fields.forEach(({ set }) => { if (set.disabled === ready) set.disabled = !ready; });
      next.disabled = !isWhole(answer);
      const long = test.must_hear >= 1 ? `${Math.round(test.must_hear)} s of ` : "";
      wait.textContent = ready || failed ? (isPractice ? "Set your volume now" : "") : `First hear ${long}${isPairs ? "both" : "it"}`;
    }

    function warn() {
      trouble.replaceChildren(element("p", { class: "notice" }, "A clip cannot be played here. Check that the folder was copied whole, or try another browser. "),
        button("Leave this one out", () => { answer.skipped = true; state.revision += 1; forward(); }));
    }

    function spend() {
      answer.ms += performance.now() - since;
      since = performance.now();
      save();
    }

    function forward() {
      if (isWhole(answer)) go(state.at + 1);
    }

    const items = test.sheets[state.sheet].length;
    const number = state.at - test.practice.length + 1;
    show(
      element("div", { class: "where" }, element("b", {}, isPractice ? "Practice" : `${isPairs ? "Pair" : "Clip"} ${number} of ${items}`),
        wait),
      ...(item.text ? [element("p", { class: "said" }, element("span", {}, isPairs ? "The text" : "The label"), item.text)] : []),
      element("div", { class: isPairs ? "clips" : "clips one" }, ...players.map(({ knob }) => knob)),
      trouble, ...fields.map(({ set }) => set),
      element("div", { class: "go" }, button("Back", () => go(state.at - 1)), next));
    activate(active);
    players.forEach(({ draw }) => draw());
    const ahead = steps()[state.at + 1];
    const warm = ahead ? ahead.clips.map((clip) => Object.assign(new Audio(), { preload: "auto", src: clip })) : [];
    if (!isPairs && state.at > 0) toggle(0);
    view = {
      leave() {
        spend();
        [...players.map(({ audio }) => audio), ...warm].forEach((audio) => { audio.pause(); });
      },
      hide: spend,
      key(key) {
        if (key === "a" || key === "b") return players["ab".indexOf(key)] ? (toggle("ab".indexOf(key)), true) : false;
        if (key === " ") return toggle(current), true;
        if (/^[1-9]$/.test(key)) return choose(active, Number(key)), true;
        if (key === "ArrowUp" || key === "ArrowDown") return activate(Math.max(0, Math.min(fields.length - 1, active + (key === "ArrowUp" ? -1 : 1)))), true;
        if (key === "Enter") return forward(), true;
        if (key === "Backspace") return go(state.at - 1), true;
        return false;
      },
    };
  }

  function ending() {
    const answers = result();
    const left = test.sheets[state.sheet].length - answers.answers.length;
    const status = element("p", { role: "status", id: "status" });
    const name = `answers-${test.id}-${state.rater}.json`;
    const file = new Blob([`${JSON.stringify(answers, null, 1)}\n`], { type: "application/json" });
    const link = element("a", { class: "button main", download: name, href: URL.createObjectURL(file), id: "save" }, "Save the answers as a file", kbd("S"));
    const isServed = location.protocol.startsWith("http");

    async function send() {
      status.textContent = "Sending …";
      try {
        const reply = await fetch("answers", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(answers) });
        const said = await reply.text();
        status.textContent = reply.ok ? "Your answers have arrived. You can close the page."
          : `They were not taken (${reply.status}${said && said.length < 300 && !said.includes("<") ? `: ${said}` : ""}). Save the file and send it to who asked you.`;
        if (reply.ok) link.classList.remove("main");
      } catch {
        status.textContent = "They could not be sent. Save the file and send it to who asked you.";
      }
    }

    show(
      element("h1", {}, "Thank you!"),
      element("p", {}, left ? `${left} of ${test.sheets[state.sheet].length} are not answered; they will be missing.` : "All is answered."),
      status,
      element("p", {}, isServed ? "You can keep a copy." : "Save the file and send it to who asked you. Nothing has been sent yet."),
      element("div", { class: "stack" }, link, ...(isServed ? [button("Send again", send)] : [])),
      element("p", { class: "soft small" }, "The file holds your answers, how long you listened, and a random number in place of a name."),
      element("div", { class: "go" }, button("Back", () => go(steps().length - 1), "Backspace"),
        button("Another person", () => { if (confirm("Begin anew for another person? Have these answers been saved or sent?")) { state = begin(); go(-1); } })));
    view = { leave() { URL.revokeObjectURL(link.href); }, key: (key) => key === "s" ? (link.click(), true) : key === "Backspace" ? (go(steps().length - 1), true) : false };
    if (isServed) send();
  }

  addEventListener("keydown", (event) => {
    if (!view || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    // A button that has the focus keeps the keys that press it; but Enter on a clip goes on, as everywhere.
    const pressed = key === " " ? "button, a" : key === "Enter" ? "button:not(.clip), a" : null;
    const isOnButton = pressed && event.target.closest?.(pressed);
    if (event.repeat || isOnButton) return;
    if (view.key(key)) event.preventDefault();
  });
  addEventListener("hashchange", () => location.reload());
  addEventListener("pagehide", () => view?.hide?.());
  document.addEventListener("visibilitychange", () => document.hidden && view?.hide?.());
  go(state.at);
})();
