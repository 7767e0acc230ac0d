// Tells the pages that wait in other tabs that their person is back.

new BroadcastChannel("signed-in").postMessage("back");
