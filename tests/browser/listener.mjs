// The official JavaScript client, listening to the event hub: prints each changed entity of ftrack.update as a line of JSON,
// after {"listening": true}. A program of its own: the page's events are seen by somebody who has nothing to do with the page.

const CLIENT = new URL("../peers/javascript/node_modules/@ftrack/api/dist/ftrack-javascript-api.es.js", import.meta.url);
const { Event, Session } = await import(CLIENT);

const { FTRACK_SERVER, FTRACK_API_USER, FTRACK_API_KEY } = process.env;
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const { eventHub } = new Session(FTRACK_SERVER, FTRACK_API_USER, FTRACK_API_KEY, { autoConnectEventHub: true });
eventHub.subscribe("topic=ftrack.update", ({ data }) => data.entities.forEach((entity) => print({ ...entity, user: data.user.name })));
// This client is told of no acknowledgement. That it hears itself proves that what it sent before has been done.
eventHub.subscribe("topic=ftreview.listening", () => print({ listening: true }));
await eventHub.publish(new Event("ftreview.listening", {}));
