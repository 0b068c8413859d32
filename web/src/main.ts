import { mount } from "svelte";
import App from "./App.svelte";
import "./styles/screen.css";

const target = document.getElementById("screen");
if (target === null) throw new Error("index.html has the element");
mount(App, { target });
