"use strict";
(() => {
  const $ = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const root = document.documentElement;
  const card = $("#card"), front = $("#front"), back = $("#back");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const turning = matchMedia("screen and (min-width: 840px) and (min-height: 560px)");
  root.classList.add("live");

  /* Turning over: the face that lies below can be neither seen nor reached. */
  const turn = $("[data-act=turn]");
  function settle() {
    const turned = card.classList.contains("turned");
    front.inert = turning.matches && turned;
    back.inert = turning.matches && !turned;
    turn.setAttribute("aria-pressed", String(turned));
  }
  function half(face, from, to, easing) {
    return face.animate([{ transform: `rotateY(${from}deg)` }, { transform: `rotateY(${to}deg)` }], { duration: 240, easing }).finished;
  }
  async function turnOver() {
    const turned = card.classList.contains("turned");
    const [up, down] = turned ? [back, front] : [front, back];
    if (turning.matches && !still.matches) {
      await half(up, 0, -90, "cubic-bezier(.5, 0, 1, .6)");
    }
    card.classList.toggle("turned");
    settle();
    if (turning.matches && !still.matches) {
      await half(down, 90, 0, "cubic-bezier(0, .4, .4, 1)");
    }
  }
  turn.addEventListener("click", turnOver);
  $("#front .view").addEventListener("click", () => { if (turning.matches) { turnOver(); } });
  turning.addEventListener("change", settle);
  settle();

  /* Gloss and meaning, on demand. */
  const ask = (act, apply) => {
    const button = $(`[data-act=${act}]`);
    if (!button) { return; }
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") !== "true";
      button.setAttribute("aria-expanded", String(open));
      apply(open);
    });
  };
  ask("gloss", (open) => { $(".phrase").classList.toggle("glossed", open); $("#gloss-text").hidden = !open; });
  ask("meaning", (open) => { $("#meaning").classList.toggle("shown", open); });

  const audio = $("#call");
  if (!audio) { return; }

  /* The call. */
  const slider = $("#seek"), canvas = slider.querySelector("canvas"), strip = slider.querySelector(".strip-image");
  const pen = canvas.getContext("2d");
  const length = Number(slider.getAttribute("aria-valuemax"));
  const parse = (text) => text.split(" ").filter(Boolean).map((pair) => pair.split(",").map(Number));
  const syllables = all(".syllable").map((element) => ({ element, spans: parse(element.dataset.at) }));
  const words = all(".word").flatMap((element) => {
    const own = [...element.querySelectorAll(".syllable")];
    const text = own.map((syllable) => syllable.textContent).join("");
    const first = parse(own[0].dataset.at), last = parse(own[own.length - 1].dataset.at);
    return first.map(([start], time) => ({ text, start, end: last[time][1] }));
  }).sort((one, other) => one.start - other.start);
  const tint = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const night = tint("--night"), glow = tint("--glow");
  const letters = (size) => `${size.toFixed(1)}px "Card phrase", Georgia, serif`;
  const CLOSE_UP = 3.4;
  const sight = { from: 0, to: length };
  let held = false;

  const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

  function aim() {
    const whole = still.matches || audio.paused || length <= CLOSE_UP;
    const from = whole ? 0 : Math.min(Math.max(0, audio.currentTime - 0.36 * CLOSE_UP), length - CLOSE_UP);
    return { from, to: whole ? length : from + CLOSE_UP };
  }

  function draw() {
    const ratio = devicePixelRatio || 1, width = slider.clientWidth, height = slider.clientHeight;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = night;
    pen.fillRect(0, 0, width, height);
    const now = audio.currentTime, span = sight.to - sight.from, at = (time) => ((time - sight.from) / span) * width;
    const foot = words.length ? Math.max(20, Math.min(30, height * 0.2)) : 0, tall = height - foot;
    const begun = now > 0.01 && now < length - 0.01;
    if (strip && strip.naturalWidth) {
      const scale = strip.naturalWidth / length;
      const paint = () => pen.drawImage(strip, sight.from * scale, 0, span * scale, strip.naturalHeight, 0, 0, width, tall);
      pen.globalAlpha = begun ? 0.42 : 1;
      paint();
      pen.globalAlpha = 1;
      if (begun) {
        pen.save();
        pen.beginPath();
        pen.rect(0, 0, at(now), tall);
        pen.clip();
        paint();
        pen.restore();
      }
    }
    pen.textBaseline = "middle";
    pen.textAlign = "left";
    words.forEach((word, place) => {
      const x = at(word.start), end = at(word.end);
      if (end < 0 || x > width) { return; }
      const sounding = begun && now >= word.start && now < word.end;
      pen.fillStyle = glow;
      pen.globalAlpha = sounding ? 1 : 0.34;
      pen.fillRect(x, tall + 1, Math.max(1.5, end - x - 2), sounding ? 3 : 1);
      const next = words[place + 1];
      const room = (next ? at(next.start) : width) - x - 5;
      pen.font = letters(100);
      const size = Math.min(foot * 0.64, (100 * room) / pen.measureText(word.text).width);
      if (size > 8.5) {
        pen.font = letters(size);
        pen.globalAlpha = sounding ? 1 : 0.78;
        pen.fillText(word.text, sounding ? Math.min(Math.max(x, 24), Math.max(x, end - 24)) : x, tall + foot * 0.56);
      }
    });
    pen.globalAlpha = 1;
    if (begun || held) {
      const x = Math.min(width - 1, Math.max(1, at(now)));
      pen.fillStyle = glow;
      pen.fillRect(x - 1, 0, 2, tall);
      pen.beginPath();
      pen.arc(x, 5, 4.5, 0, 7);
      pen.fill();
    }
  }

  function light() {
    const now = audio.currentTime, speaking = !audio.paused || held;
    for (const { element, spans } of syllables) {
      element.classList.toggle("sounding", speaking && spans.some(([start, end]) => now >= start && now < end));
    }
  }

  let told = "";
  function tell() {
    const now = Math.min(length, audio.currentTime);
    const text = clock(now);
    if (text !== told || audio.paused) {
      told = text;
      $("#now").textContent = text;
      const word = words.find(({ start, end }) => now >= start && now < end);
      slider.setAttribute("aria-valuenow", now.toFixed(1));
      slider.setAttribute("aria-valuetext", `${now.toFixed(1)} of ${length.toFixed(1)} seconds${word ? `, ${word.text}` : ""}`);
    }
  }

  let frame = 0;
  function tick() {
    frame = 0;
    let moving = !audio.paused;
    if (!held) {
      const goal = aim(), ease = still.matches ? 1 : 0.085;
      for (const edge of ["from", "to"]) {
        const gap = goal[edge] - sight[edge];
        sight[edge] = Math.abs(gap) < 0.002 ? goal[edge] : sight[edge] + gap * ease;
        moving ||= gap !== 0;
      }
    }
    draw();
    light();
    tell();
    if (moving) { again(); }
  }
  function again() { frame ||= requestAnimationFrame(tick); }

  function seek(time) {
    audio.currentTime = Math.min(Math.max(0, time), Math.max(0, length - 0.02));
    again();
  }
  function toggle() {
    if (audio.paused) { audio.play(); } else { audio.pause(); }
  }
  function changed() {
    root.classList.toggle("playing", !audio.paused);
    $("[data-act=play]").setAttribute("aria-label", audio.paused ? "Play the call" : "Pause the call");
    again();
  }
  for (const name of ["play", "pause", "seeked", "loadedmetadata"]) { audio.addEventListener(name, changed); }
  audio.addEventListener("ended", () => { audio.currentTime = 0; changed(); });
  $("[data-act=play]").addEventListener("click", toggle);
  $("[data-act=hear]").addEventListener("click", toggle);

  const place = (event) => {
    const box = slider.getBoundingClientRect();
    return sight.from + ((event.clientX - box.left) / box.width) * (sight.to - sight.from);
  };
  slider.addEventListener("pointerdown", (event) => {
    held = true;
    slider.setPointerCapture(event.pointerId);
    seek(place(event));
  });
  slider.addEventListener("pointermove", (event) => { if (held) { seek(place(event)); } });
  for (const name of ["pointerup", "pointercancel"]) {
    slider.addEventListener(name, () => { held = false; again(); });
  }
  slider.addEventListener("keydown", (event) => {
    const now = audio.currentTime;
    const moves = {
      ArrowLeft: now - 0.5, ArrowDown: now - 0.5, ArrowRight: now + 0.5, ArrowUp: now + 0.5,
      PageDown: now - 2, PageUp: now + 2, Home: 0, End: length,
    };
    if (event.key in moves) {
      seek(moves[event.key]);
    } else if (event.key === " " || event.key === "Enter") {
      toggle();
    } else {
      return;
    }
    event.preventDefault();
  });

  new ResizeObserver(again).observe(slider);
  if (strip) { strip.decode().then(() => { strip.hidden = true; again(); }, again); }
  document.fonts.ready.then(again);
  again();
})();
