"""The names of the demo's people: all invented, and drawn without regard to where a person comes from."""

from __future__ import annotations

_WOMEN = """
Ada Adriana Agnes Aisha Alba Alma Amara Amelia Amina Ananya Anja Anouk Astrid
Beatriz Bianca Birgit Bronwyn Camille Carmen Chiara Clara Daphne Deepa Dina Dora Edith Elena Eleni Elif Elise Emiko Emma Esther
Fatima Fiona Flora Freya Gemma Giulia Grace Greta Hana Hannah Helena Hilde Ida Imogen Ines Ingrid Irene Isabel Ivana Jana Jasmin
Joana Josephine Juno Kavita Keiko Kerstin Laila Lara Leonie Lin Liv Lotte Lucia Luisa Mabel Maeve Magda Maja Malin Margot Marisol
Maya Mei Mila Mina Miriam Moira Nadia Naomi Nina Noor Odile Olga Ophelia Paloma Petra Priya Rania Renata Roisin Rosa Ruth Salma
Saskia Selma Signe Simone Sofia Sunita Suki Talia Tamar Tessa Thea Tova Ursula Valeria Vera Wanda Willa Yara Yasmin Zainab Zoë
"""
_MEN = """
Abel Adam Ahmed Aksel Alan Aldo Amir Anders Andrei Anton Arjun Arlo Arthur Basil Bastian Ben Björn Boris Bruno Callum Carlos Caspar
Chidi Cillian Cyril Dario David Dawid Declan Dev Diego Dimitri Edgar Edwin Eero Elias Emil Enzo Erik Ernesto Ezra Fabian Farid Felix
Finn Florian Gabriel Gareth George Goran Gustav Hamid Hamish Haruki Hassan Hector Henrik Hugo Ian Ibrahim Idris Igor Ilya Isaac Ivan
Jakob Jamal Javier Jens Jonas José Julian Kamal Kenji Kofi Lars Leo Levi Lorenzo Luca Ludwig Magnus Malik Marco Marek Mateo Mattias
Max Miguel Milan Nabil Nikhil Noah Oisín Olaf Omar Oscar Otto Pablo Pavel Pedro Peter Rafael Rahul Ravi Reza Roman Rory Rui Samir
Samuel Sanjay Sebastian Silas Simon Søren Stefan Tariq Theo Thomas Tobias Tomás Umar Victor Viktor Wes Wilhelm Xavier Yannick Yusuf
Zoltan
"""
_ANYONE = """
Alex Ari Ashley Avery Bo Cameron Casey Charlie Dana Drew Eden Ellis Frankie Harper Indigo Jamie Jesse Jo Kai Kim Kit Lou Marlo Micah
Morgan Nico Noa Parker Quinn Remy Riley River Robin Rowan Sam Sasha Sky Toni Val Winter
"""
_FAMILIES = """
Abara Abbott Acosta Adeyemi Aguilar Ahlgren Akhtar Almeida Amsel Andersson Aoki Araujo Archer Ashdown Atwood Aziz Bailey Bakker
Banerjee Barlow Barros Bauer Beaumont Becker Bellamy Benítez Berg Bergeron Bianchi Bishop Blom Boateng Borg Bose Bowen Brandt
Brennan Brook Bruun Burke Byrne Cabral Calloway Campos Cardoso Carver Castillo Chandra Chen Choi Clarke Cohen Conti Costa Crane Cruz
Dahl Danso Darby Das Delgado Demir Desai Diallo Dietrich Dlamini Doyle Drummond Duarte Dubois Eastwood Ekström Ellwood Engel Eriksen
Esposito Fairley Falk Farah Farrell Ferrante Fischer Fitzroy Flores Fontaine Forster Fraser Fujita Gallo Garnett Gaspard Georgiou
Ghosh Gilmore Gordon Grant Greco Greene Gruber Gupta Haddad Hagen Hale Halvorsen Hansen Harada Hartley Hassan Hawkins Hayashi Heller
Herrera Hirsch Holm Holloway Horvat Huang Hughes Ibsen Ishikawa Iversen Jafari Jansen Jensen Joshi Kaplan Karlsson Kaur Keller Kelly
Khalil Khan Kim Kimani Klein Kowalski Kruger Kumar Laine Lam Lambert Larsen Laurent Lavoie Lehtonen Leroy Levin Lim Lindqvist
Lombardi Lopes Lund Lynch Machado Mahmood Malone Mancini Marsh Martel Matsuda Mbeki McCabe Medina Mehta Mendes Menon Meyer Miller
Mizrahi Molina Moreau Morgan Moser Mukherjee Murray Mwangi Nadeem Nagy Nair Navarro Nedelcu Neri Newton Nguyen Nielsen Nkosi Nolan
Nordin Novak Oakley Obi Okafor Oliveira Olsen Onyango Ortega Osman Owens Pacheco Palmer Papadakis Park Parsons Patel Pereira Petrov
Pham Pinto Popescu Porter Prakash Quist Rahman Ramírez Rao Rasmussen Reeve Reyes Ricci Rivera Roberts Rojas Romano Rosen Rossi Roth
Russo Sadiq Salazar Salem Sandoval Santos Sato Schmidt Schneider Sen Serrano Shah Sharma Shaw Silva Singh Sinclair Sjöberg Smit
Sokolov Soto Stern Strand Sullivan Suzuki Svensson Takeda Tamm Tan Tanaka Teixeira Thorne Torres Toth Turner Ueda Vargas Varga
Vasquez Vega Verhoeven Vieira Vogel Wagner Walsh Ward Weaver Weiss Whitaker Wolff Wong Wren Yamada Yates Yildiz Young Zaman Zapata
Zeller Ziegler Zhou
"""

WOMEN, MEN, ANYONE, FAMILIES = (tuple(dict.fromkeys(text.split())) for text in (_WOMEN, _MEN, _ANYONE, _FAMILIES))

FIRST_NAMES = {1: MEN, 2: WOMEN, 3: ANYONE, 0: ANYONE}
"""By the gender that the respondent told: 1 male, 2 female, 3 other, 0 not told."""
