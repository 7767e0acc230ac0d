// The worker of the patient's pages. It keeps two pages of words, the same for every patient of the clinic, and shows
// them where a page cannot be reached. It keeps nothing that a patient was shown or typed.
// Runs inside /p/worker.js, which says what to keep: self.KEPT = {version, offline, emergency, files}.

const { version, offline, emergency, files } = self.KEPT;
const STORE = `words-${version}`;
const GATEWAY_ALONE = [502, 504];
const ANSWER_WITHIN = 2000; // milliseconds a page has to say that it told its person

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(keep());
});

self.addEventListener("activate", (event) => event.waitUntil(takeOver()));

self.addEventListener("fetch", (event) => {
  const asked = event.request;
  if (asked.mode === "navigate") {
    event.respondWith(opened(asked, Promise.resolve(event.preloadResponse)));
  } else if (asked.method === "GET" && files.includes(new URL(asked.url).pathname)) {
    event.respondWith(fetch(asked).catch(() => kept(asked.url)));
  }
});

async function keep() {
  const store = await caches.open(STORE);
  await store.addAll([offline, emergency, ...files].map((path) => new Request(path, { cache: "no-cache" })));
}

async function takeOver() {
  const old = (await caches.keys()).filter((name) => name !== STORE);
  await Promise.all(old.map((name) => caches.delete(name)));
  // A page asked for by the browser itself keeps saying where the link stood; a worker's own request would not, and the
  // clinic refuses what another site has a browser do.
  await self.registration.navigationPreload?.enable();
  await self.clients.claim();
}

function kept(url) {
  return caches.match(url, { cacheName: STORE }).then((found) => found ?? Response.error());
}

// What the clinic answers; where nothing does, the page stays as it is if it can say so itself, else the words are shown.
async function opened(asked, preloaded) {
  const answer = await preloaded.then((early) => early ?? fetch(asked)).catch(() => null);
  if (answer && !GATEWAY_ALONE.includes(answer.status)) return answer;
  if (asked.method === "POST" && (await toldByThePage(asked.url))) return new Response(null, { status: 204 });
  return kept(new URL(asked.url).pathname === emergency ? emergency : offline);
}

// Whether the page that sent a form to this address has shown that it did not arrive.
async function toldByThePage(url) {
  const pages = await self.clients.matchAll({ type: "window" });
  const answers = pages.map(
    (page) =>
      new Promise((yes, no) => {
        const line = new MessageChannel();
        line.port1.onmessage = yes;
        page.postMessage({ notSent: url }, [line.port2]);
        setTimeout(no, ANSWER_WITHIN);
      }),
  );
  return Promise.any(answers).then(() => true, () => false);
}
