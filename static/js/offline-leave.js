// The worker of the patient's pages on a phone that is forgotten, or whose clinic keeps no words on phones: it clears
// what was kept and goes.

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("activate", (event) => event.waitUntil(leave()));

async function leave() {
  await Promise.all((await caches.keys()).map((name) => caches.delete(name)));
  await self.registration.unregister();
}
