export const byId = id => document.getElementById(id);

export const numbers = new Intl.NumberFormat('en');

export async function getJson(path) {
	const response = await fetch(path);
	if (!response.ok) {
		throw new Error(`${path} answered ${response.status}`);
	}
	return response.json();
}

/* What a response that is no success says, in words for the user. */
export async function explanation(response) {
	try {
		return (await response.json()).detail;
	}
	catch {
		return `The server answered ${response.status}.`;
	}
}
