export const byId = id => document.getElementById(id);

export const numbers = new Intl.NumberFormat('en');

export async function getJson(path) {
	const response = await fetch(path);
	if (!response.ok) {
		throw new Error(`${path} responded with status ${response.status}`);
	}
	return response.json();
}

/* The explanation in an unsuccessful response, for the user. */
export async function explanation(response) {
	try {
		return (await response.json()).detail;
	}
	catch {
		return `The server responded with status ${response.status}.`;
	}
}
